/ NOT EXECUTED WITHOUT A LICENCE. What only KX's engine has: attributes, log handles, -11! replay, and the processes of
